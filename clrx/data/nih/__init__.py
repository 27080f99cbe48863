"""The NIH ChestX-ray14 release: its files, its label table, the tasks cut from it."""
