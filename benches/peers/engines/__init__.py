"""One file per engine. Peers run as processes of their own and print one JSON line."""
