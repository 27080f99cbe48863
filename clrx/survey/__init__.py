"""What a dataset is, in numbers and pictures: `clrx data`."""
