"""How tools write yes and no, in the languages of the mapping table. Lower case; closed lists.

Must never hold a word that also means something else in a column of its own: `no` is also Norway's code.
"""

YES = frozenset(
    {"true", "yes", "y", "1", "t", "on", "x", "ja", "j", "oui", "o", "si", "sí", "s", "sim", "tak", "kyllä"}
    | {"wahr", "vrai", "sann", "sant", "sand", "sandt", "waar", "verdadero", "vero", "verdadeiro", "prawda"}
    | {"✓", "✔", "☑"}
)
NO = frozenset(
    {"false", "no", "n", "0", "f", "off", "nei", "nej", "nein", "non", "nee", "não", "nao", "nie", "ei"}
    | {"falsch", "faux", "usann", "usant", "falsk", "falskt", "onwaar", "falso", "fałsz", "☐"}
)
