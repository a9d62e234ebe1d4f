"""Compares the bootstrap kit's `dependsOn` with the expected graph; `check-bootstrap-deps.sh` is the entry.

It lives beside its entry rather than in `packages/`: it is a tool of this repository, released with
nothing, and needs PyYAML alone, so that it also runs where the workspace was never installed.
`graph` and `audit` are pure; `kit` and `expected` read files; `text_report`, `json_report` and
`update` write.
"""
