"""The sandbox: keeps a thread's files, and runs Python on them under limits, closed off from everything else."""
