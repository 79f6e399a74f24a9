"""Tests of the room that decides who answers."""
