-- Everything the double knows. One file, so that several processes can serve it and a kill loses nothing.

CREATE TABLE IF NOT EXISTS settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS accounts (
  no INTEGER PRIMARY KEY, encoded_account_id TEXT NOT NULL UNIQUE, details TEXT NOT NULL,
  active_high_water INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS persons (
  no INTEGER PRIMARY KEY, account_no INTEGER NOT NULL, name TEXT NOT NULL, email TEXT NOT NULL, role TEXT NOT NULL);

CREATE TABLE IF NOT EXISTS clients (client_id TEXT PRIMARY KEY, secret TEXT NOT NULL, name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS redirect_urls (client_id TEXT NOT NULL, url TEXT NOT NULL, PRIMARY KEY (client_id, url));
CREATE TABLE IF NOT EXISTS codes (
  digest TEXT PRIMARY KEY, client_id TEXT NOT NULL, person_no INTEGER NOT NULL, redirect_url TEXT NOT NULL,
  scope TEXT NOT NULL, challenge TEXT, expires_at REAL NOT NULL, used_at REAL);
CREATE TABLE IF NOT EXISTS devices (
  digest TEXT PRIMARY KEY, user_code TEXT NOT NULL UNIQUE, client_id TEXT NOT NULL, scope TEXT NOT NULL,
  expires_at REAL NOT NULL, polled_at REAL, person_no INTEGER, denied INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS access_tokens (
  digest TEXT PRIMARY KEY, family TEXT NOT NULL, client_id TEXT NOT NULL, person_no INTEGER NOT NULL,
  scope TEXT NOT NULL, issued_at REAL NOT NULL, expires_at REAL NOT NULL, revoked_at REAL);
CREATE TABLE IF NOT EXISTS refresh_tokens (
  digest TEXT PRIMARY KEY, family TEXT NOT NULL, client_id TEXT NOT NULL, person_no INTEGER NOT NULL,
  scope TEXT NOT NULL, issued_at REAL NOT NULL, used_at REAL NOT NULL, rotated_at REAL, revoked_at REAL);
CREATE INDEX IF NOT EXISTS refresh_families ON refresh_tokens (family);
CREATE INDEX IF NOT EXISTS access_families ON access_tokens (family);

-- One row per request; also the rate-limit windows. Never a token, never a body, never a query value.
CREATE TABLE IF NOT EXISTS requests (
  no INTEGER PRIMARY KEY, at REAL NOT NULL, api_key TEXT, place TEXT NOT NULL, method TEXT NOT NULL,
  path TEXT NOT NULL, query_names TEXT NOT NULL, body_bytes INTEGER NOT NULL, counted INTEGER NOT NULL,
  status INTEGER, seconds REAL, fault_no INTEGER);
CREATE INDEX IF NOT EXISTS request_windows ON requests (api_key, place, at) WHERE counted = 1;

CREATE TABLE IF NOT EXISTS lists (
  no INTEGER PRIMARY KEY, list_id TEXT NOT NULL UNIQUE, account_no INTEGER NOT NULL, name TEXT NOT NULL,
  description TEXT, favorite INTEGER NOT NULL, created_at REAL NOT NULL, updated_at REAL NOT NULL, deleted_at REAL);
CREATE TABLE IF NOT EXISTS custom_fields (
  no INTEGER PRIMARY KEY, custom_field_id TEXT NOT NULL UNIQUE, account_no INTEGER NOT NULL, label TEXT NOT NULL,
  name TEXT NOT NULL, type TEXT NOT NULL, extra TEXT NOT NULL, created_at REAL NOT NULL, updated_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS tags (
  no INTEGER PRIMARY KEY, tag_id TEXT NOT NULL UNIQUE, account_no INTEGER NOT NULL, name TEXT NOT NULL,
  created_at REAL NOT NULL, updated_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS segments (
  no INTEGER PRIMARY KEY, account_no INTEGER NOT NULL, name TEXT NOT NULL, created_at REAL NOT NULL,
  asked INTEGER NOT NULL DEFAULT 0);

-- A contact's id is a function of `no` and the account (ids.py): a million need no second index.
CREATE TABLE IF NOT EXISTS contacts (
  no INTEGER PRIMARY KEY, account_no INTEGER NOT NULL, email TEXT, sms_number TEXT, permission TEXT NOT NULL,
  opt_in_source TEXT, opt_out_source TEXT, opt_out_at REAL, opt_out_reason TEXT, create_source TEXT NOT NULL,
  update_source TEXT NOT NULL, created_at REAL NOT NULL, updated_at REAL NOT NULL, deleted_at REAL,
  fields TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS contact_emails ON contacts (account_no, email) WHERE email IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS contact_numbers ON contacts (account_no, sms_number) WHERE sms_number IS NOT NULL;
CREATE INDEX IF NOT EXISTS contact_permissions ON contacts (account_no, permission) WHERE deleted_at IS NULL;

-- A membership holds while shown_until is null; readers see it from shown_from until shown_until.
CREATE TABLE IF NOT EXISTS memberships (
  list_no INTEGER NOT NULL, contact_no INTEGER NOT NULL, shown_from REAL NOT NULL, shown_until REAL,
  PRIMARY KEY (list_no, contact_no)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS memberships_of_contact ON memberships (contact_no);
CREATE TABLE IF NOT EXISTS list_opt_outs (
  list_no INTEGER NOT NULL, contact_no INTEGER NOT NULL, at REAL NOT NULL, PRIMARY KEY (list_no, contact_no))
  WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS taggings (
  tag_no INTEGER NOT NULL, contact_no INTEGER NOT NULL, PRIMARY KEY (tag_no, contact_no)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS taggings_of_contact ON taggings (contact_no);

-- finishes_at null means the activity never finishes (an injected fault).
CREATE TABLE IF NOT EXISTS activities (
  no INTEGER PRIMARY KEY, activity_id TEXT NOT NULL UNIQUE, account_no INTEGER NOT NULL, kind TEXT NOT NULL,
  request TEXT NOT NULL, source_file_name TEXT, rows INTEGER NOT NULL, body_bytes INTEGER NOT NULL,
  body_digest TEXT, created_at REAL NOT NULL, starts_at REAL NOT NULL, finishes_at REAL, slot_ends_at REAL NOT NULL,
  done INTEGER NOT NULL DEFAULT 0, outcome TEXT NOT NULL DEFAULT '', state TEXT, counters TEXT NOT NULL DEFAULT '{}',
  errors TEXT NOT NULL DEFAULT '[]', seconds REAL);
CREATE INDEX IF NOT EXISTS activities_due ON activities (finishes_at) WHERE done = 0;
CREATE TABLE IF NOT EXISTS bodies (activity_no INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS export_parts (
  activity_no INTEGER NOT NULL, seq INTEGER NOT NULL, part BLOB NOT NULL, PRIMARY KEY (activity_no, seq));

CREATE TABLE IF NOT EXISTS faults (
  no INTEGER PRIMARY KEY, spec TEXT NOT NULL, skip INTEGER NOT NULL, times INTEGER NOT NULL,
  used INTEGER NOT NULL DEFAULT 0);
-- What a test asks about afterwards: consent violations, token reuse, revivals, internal errors.
CREATE TABLE IF NOT EXISTS events (
  no INTEGER PRIMARY KEY, at REAL NOT NULL, kind TEXT NOT NULL, detail TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS event_kinds ON events (kind);
