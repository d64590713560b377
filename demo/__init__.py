"""The page. `ui` lays it out, `models` keeps the networks, `results` the files of a visit."""
