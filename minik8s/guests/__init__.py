"""Programs in pods: generators that yield what they want from the network and the clock.

An *image* (`catalogue`, `data/images.yaml`) names *programs*; an *implementation* of one is a
generator function in a module here (`programs` lists them). A program gets a *process*
(arguments, environment, streams, its *container*) and yields *effects*; `runtime.processes`
carries them out. To add a program: write the generator, name it in `programs`, and give it to
images.

What is left out on purpose: file modes and users, signals other than ending a program,
processes that run beside each other in one container, and TLS's secrecy (`tls`). A container's
own script is walked step by step (`script`) as far as it consists of lists, loops and plain
calls; a pipeline or `if` around something that waits for ever just stands still.
"""

from __future__ import annotations
