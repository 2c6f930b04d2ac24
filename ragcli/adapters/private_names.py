"""Names that are left out wherever they stand, in folders and in archives: secrets, and folders of version control."""

from __future__ import annotations

import re

VCS = frozenset({".git", ".hg", ".svn", ".bzr", ".jj", "_darcs", "CVS", ".pijul", ".fossil"})
_SECRET_ENDINGS = "pem|key|p12|pfx|kdbx|kdb|jks|keystore|ppk|gpg|pgp|age|agekey|keychain(?:-db)?|keytab|1pux|1pif|opvault|ovpn"
_SECRET_FILES = (
    r"id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?(?!.*\.pub$).*|\.?_?netrc|\.pgpass|\.my\.cnf|\.npmrc|\.pypirc|\.git-credentials|\.htpasswd"
    r"|\.dockercfg|\.vault-token|wallet\.dat|(?:master|secret|private)[-_]?key(?:\..*)?|client_secret.*\.json|[^/]*service[-_]account[^/]*\.json"
    r"|\.env(?!\.(?:example|sample|template|dist)$)(?:\..*)?|[^/]*\.env"
    r"|[^/]*credentials?(?:\.(?:json|csv|ini|txt|xml|ya?ml|toml|db|conf))?|secrets?\.(?:json|ya?ml|toml|ini|env|txt)"
    r"|[^/]*(?:1password|bitwarden|lastpass|keepass|dashlane|passwords?)[^/]*\.(?:csv|json|xml|txt)"
)
_SECRET_FOLDERS = r"\.aws|\.ssh|\.gnupg|\.azure|\.kube|\.docker|\.password-store|\.gcloud|[^/]*\.keychain|[^/]*\.opvault"
SECRET = re.compile(rf"(?:{_SECRET_FILES}|{_SECRET_FOLDERS}|.*\.(?:{_SECRET_ENDINGS}))", re.IGNORECASE)
"""Names of things that hold keys and passwords. Better a few harmless files too many than one key in an answer."""
SECRET_FOLDER = re.compile(_SECRET_FOLDERS, re.IGNORECASE)
"""Names of folders that hold nothing else."""
