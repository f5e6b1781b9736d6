"""Real receipts played back over HTTP, as tills would have sold them: `pos replay`.

It knows files, the API and nothing else of the product: whatever it finds out holds for any client.

    profiles   which columns of a file mean what
    reading    rows -> receipts, one at a time
    selling    a receipt -> the body of a sale, the same at each start
    wire       HTTP that survives a server's restart
    preparing  tills, people, products and customers, by the same API
    ledger     what the server has acknowledged, as the client knows it
    tills      a till: one thread, one connection
    running    a run from the first row to the closing table
    verifying  the client's ledger against the server's sales
"""
