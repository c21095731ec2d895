"""What a person types: `voiced run`, `demo`, `devices`, `config`, `faults`, `local-server`.

Law of this room: words in, words and an exit code out. Each command imports what it needs when it
runs, so that `voiced --help` does not wait for PortAudio.
"""
