"""The embedded Realtime server: a whole conversation on loopback, without an account.

Law of this room: it speaks the GA dialect as strictly as the real service is known to, it shares
no code with the rest of voiced (a mirror proves nothing), and it listens beyond loopback only where somebody says so twice.
What it will not do: pretend to be a language model, fetch models, or keep anything on disk.

Two strata. Pure: `shapes` and `validation` (what a client may say), `settings`, `conversation`,
`turns`, `pacing`, `tokens`, `tools`, `phrases`, `brain`, `handshake`, `minting`, `faults`,
`options`. Glue: `server` opens the door, `front` answers plain HTTP there, `session` reads,
`listening` hears, `answering` and `response` speak, `line` writes. Ports with a plain and a real
side: `ears`/`hearing` and `voice`/`speech`.
To read it, begin with `session.py`.
"""
