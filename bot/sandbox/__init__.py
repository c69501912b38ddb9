"""The sandbox: a thread's files, and Python run on them under limits, apart from everything else."""
