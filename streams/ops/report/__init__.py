"""`engage report`: the retention picture, read from the views once and shown in a terminal or on a page.

`reading` asks the views, `contents` says which figures make which section, `sections` is what both
renderings are given; `page` and `charts` make one HTML file of it, `streams.cli.report_screen` shows it.
"""
