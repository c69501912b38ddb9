"""The one loop that carries a thread's turns to their end, and who may start one."""
