"""Programs of the laptop that stand in for real ones, with their texts.

Each is a function `main(argv, io, machines) -> int`; what they change goes through the API or
through the `Machines` of the terminal.
"""
