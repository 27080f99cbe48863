"""What a set of runs shows: tables, figures and one HTML file, made from run directories and nothing else."""
