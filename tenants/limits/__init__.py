"""How much of everything a tenant may use, so that none takes the others' share.

`plans` says what each tier gets, `rates` counts requests and events in Redis, `storage` the bytes
that are kept, `spend` what language models cost, and `seats` the web server's threads.
"""
