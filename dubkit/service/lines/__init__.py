"""The editor's data: lines, speakers and voices of a dub, and the corrections that are made to them."""
