"""The client of Constant Contact's V3 API.

Pure functions build requests (`calls`, `oauth`) and read answers (`answers`, `values`). `transport`
is the only module that knows httpx. `sending` adds pace, token and retries. `account`
is what the rest of ccexport calls. Must never know the ledger, the profiles or a face.
"""
