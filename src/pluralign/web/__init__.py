"""Shared by all web servers of this package: origins of requests, sockets, an orderly stop."""
