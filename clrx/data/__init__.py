"""From folders, tables and archives to images, labels and groups in memory, split and augmented."""
