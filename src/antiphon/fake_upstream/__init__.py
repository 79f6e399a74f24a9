"""A scripted upstream that goes wrong on request: `antiphon fake-upstream`.

It speaks the seven dialects of model providers, says what a script tells it, and fails in all the ways in
which providers and networks do. Gateways and agents are tested against it, ours among them.

    bytes ─requests─▶ Request ─asked─▶ Asked ─script─▶ Step
    Step ─answers─▶ Answer ─wires─▶ events ─delivery─▶ acts ─server─▶ bytes

What is said is worked out without I/O, as acts (`delivery`); only `server` and `faulty_ports` touch sockets.
It shares no code with the gateway's own dialects: a mistake in one must not hide in the other.
"""
