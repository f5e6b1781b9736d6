"""Side-by-side measurement of the sale: the bare database driver, ``perform()`` in process, and HTTP.

``python3 dev.py bench`` runs everything and prints ratios; ``--check`` holds only the figures that do not depend on
the machine against their thresholds. Rates of different machines, or of different runs, are never compared.
"""
