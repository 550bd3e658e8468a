"""The REST API as the schema has it: its documents as types, its addresses as methods. Made by `make client`."""
