"""What the catalogue refuses, in words for the shopkeeper."""

from __future__ import annotations

from pos_core.errors import Kind, define

SKU_TAKEN = define(
    "sku_taken",
    Kind.CONFLICT,
    en="Another product has this SKU already.",
    es="Otro producto ya tiene este SKU.",
    cure="Use another SKU; one of a deactivated product stays taken, because old receipts name it.",
)
BARCODE_TAKEN = define(
    "barcode_taken",
    Kind.CONFLICT,
    en="Another active product has this barcode already.",
    es="Otro producto activo ya tiene este código de barras.",
    cure="Take the barcode off the other product, or deactivate that product.",
)
BARCODE_TWICE = define(
    "barcode_twice",
    Kind.INVALID,
    en="The barcode {barcode} is given twice.",
    es="El código de barras {barcode} se indica dos veces.",
    cure="Give each barcode once; EAN-13, UPC-A and GTIN-14 of the same number are the same barcode.",
)
VENDOR_TWICE = define(
    "vendor_twice",
    Kind.INVALID,
    en="The same vendor is given twice.",
    es="El mismo proveedor se indica dos veces.",
    cure="Give each vendor of a product once.",
)
PRICE_MISSING = define(
    "price_missing",
    Kind.INVALID,
    en="A product needs a price, unless its price is asked at the till.",
    es="Un producto necesita un precio, salvo que el precio se pida en la caja.",
    cure="Give `unit_price_minor`, or set `is_open_price`.",
)
PRICE_NOT_OPEN = define(
    "price_not_open",
    Kind.INVALID,
    en="A product whose price is asked at the till has no price of its own.",
    es="Un producto cuyo precio se pide en la caja no tiene precio propio.",
    cure="Leave `unit_price_minor` empty, or do not set `is_open_price`.",
)
TREE_CIRCLE = define(
    "tree_circle",
    Kind.RULE,
    en="{entity} cannot stand below itself.",
    es="{entity} no puede estar debajo de sí mismo.",
    cure="Choose a parent that is not the thing itself nor below it.",
)
TREE_TOO_DEEP = define(
    "tree_too_deep",
    Kind.RULE,
    en="The tree may have at most {limit} levels.",
    es="El árbol puede tener como máximo {limit} niveles.",
    cure="Choose a parent that is higher up.",
)
STORE_NEEDED = define(
    "store_needed",
    Kind.INVALID,
    en="Say which store this is for.",
    es="Indique para qué tienda es.",
    cure="Send `store_id`; at a store it is that store by itself.",
)
ATTRIBUTES_TOO_LARGE = define(
    "attributes_too_large",
    Kind.INVALID,
    en="The attributes take more than {limit} bytes.",
    es="Los atributos ocupan más de {limit} bytes.",
    cure="Keep pictures elsewhere and only their address in the attributes.",
)
ROW_INVALID = define(
    "import_row_invalid",
    Kind.INVALID,
    en="Line {line}: {reason}",
    es="Línea {line}: {reason}",
    cure="Mend the line in the file, or import with `skip_bad` to leave such lines out.",
)
ROWS_INVALID_MORE = define(
    "import_rows_invalid",
    Kind.INVALID,
    en="{count} more lines are wrong.",
    es="Hay {count} líneas más con errores.",
    cure="Mend the lines in the file, or import with `skip_bad` to leave such lines out.",
)
IMPORT_CURRENCY = define(
    "import_currency",
    Kind.INVALID,
    en="The file's prices are in {file} and the shop's in {shop}.",
    es="Los precios del archivo están en {file} y los de la tienda en {shop}.",
    cure="Convert the prices first; if they are meant in the shop's currency, say so with --currency.",
)
IMPORT_COLUMNS = define(
    "import_columns",
    Kind.INVALID,
    en="The file's columns do not fit: {reason}",
    es="Las columnas del archivo no encajan: {reason}",
    cure="Choose a profile that fits the file, or map columns with --map column=field.",
)
