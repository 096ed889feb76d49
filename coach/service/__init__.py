"""The live service: sockets, fan-out, store and authentication around `coaching`."""
