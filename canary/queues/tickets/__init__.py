"""Ticket systems: one engine, and a description of each system as data."""
