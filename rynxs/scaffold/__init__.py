"""``rynxs plugins new``: a plugin's distribution that installs, works and passes its kit at once.

`names` says what everything is called, `distribution` makes the files. The templates lie in
``templates/``, one folder a family and one for all; ``@@name@@`` stands for a name in them.
"""
