"""One image file to uint8 pixels, in processes of their own."""
