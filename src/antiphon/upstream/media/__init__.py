"""Images and files that a request names by URL, for providers that take them as data only.

    parts.py     which parts of a turn they are, and the turn with their data in place of the URLs
    urls.py      which URLs are fetched        addresses.py   which addresses they may lead to
    kinds.py     what the data is              fetcher.py     the one place that opens a connection for them

The address that was checked is the one that is connected to, on every redirect anew; whatever is wrong with
an address, with a name or with a connection is told to the client in one and the same sentence.
"""
