"""The commands, one module for each family; `table/commands.txt` says which runs what."""
