"""The functions of which the planner composes its scripts.

Every function here is ordinary code, tested as such; `compose` copies those that a script needs into it, so that the
script stands alone in the user's workspace. So nothing here imports the planner, and a function imports only what
the runtime of the sandbox has.
"""
