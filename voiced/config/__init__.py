"""What an owner may decide: one frozen class per section, by what they are about.

Law of this room: a unit in every name, a range on every number, a default that works. Others get their own
section (or plain values from it), never the whole `Config`. `config/voiced.toml` documents each key; a test
keeps the two together.
"""
