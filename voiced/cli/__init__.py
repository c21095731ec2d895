"""What a person types: `voiced run`, `devices`, `config`, `local-server`, `demo`.

Law of this room: words in, words and an exit code out. Each command imports what it needs when it
runs, so that `voiced --help` does not wait for PortAudio.
"""
