"""The shipped pages in their order: fourteen at the headquarters and in a back office, eight at a till."""

from __future__ import annotations

from pos_core.tabs import Tab

OFFICE = ("hq", "store")

TABS = (
    Tab("dashboard_administration", "Dashboard Administration", "Panel de administración", ("hq",),
        ("dashboard:administration",), position=10),
    Tab("dashboard", "Dashboard", "Panel", ("store",), ("dashboard:plain",), position=10),
    Tab("pos_screen", "POS Screen", "Pantalla de venta", ("pos",), ("sale:complete",), position=10),
    Tab("quick_sell", "Quick Sell", "Venta rápida", ("pos",), ("sale:quick",), position=20),
    Tab("products", "Products", "Productos", OFFICE, ("product:list",), position=20),
    Tab("customers", "Customers", "Clientes", OFFICE, ("customer:list",), position=30),
    Tab("cash_drawer", "Cash Drawer", "Cajón de efectivo", ("pos",), ("register_session:open",), position=30),
    Tab("vendors", "Vendors", "Proveedores", OFFICE, ("vendor:list",), position=40),
    Tab("shift_close", "Shift Close", "Cierre de turno", ("pos",), ("register_session:close",), position=40),
    Tab("salesman", "Salesman", "Vendedores", OFFICE, ("representative:list",), position=50),
    Tab("daily_reports", "Daily Reports", "Informes diarios", ("pos",), ("report:list",), ("mgmt.reports",),
        position=50),
    Tab("stock", "Stock", "Existencias", OFFICE, ("stock:list",), position=60),
    Tab("expenses", "Expenses", "Gastos", OFFICE, ("expense:list",), position=70),
    Tab("custom_invoice", "Custom Invoice", "Factura a medida", OFFICE, ("custom_order:create",), position=80),
    Tab("view_custom_order", "View Custom Order", "Ver pedidos a medida", OFFICE, ("custom_order:list",), position=90),
    Tab("invoice", "Invoice", "Facturas", OFFICE, ("sale:list",), position=100),
    Tab("sales_view", "Sales View", "Vista de ventas", OFFICE, ("report:list",), ("mgmt.reports",), position=110),
    Tab("duplicate_bill", "Duplicate Bill", "Duplicado de factura", ("hq", "store", "pos"), ("sale:receipt",),
        position=120),
    Tab("refund", "Refund", "Devoluciones", ("hq", "store", "pos"), ("sale:refund",), position=130),
    Tab("logout", "Logout", "Cerrar sesión", ("hq", "store", "pos"), position=9000),
)  # fmt: skip
