"""Dagster's groups: the layers of the warehouse, numbered so that a list of them reads as the data flow."""

GROUP_OF = {
    "raw": "1_sources",
    "staging": "2_staging",
    "intermediate": "3_intermediate",
    "core": "4_core",
    "plan": "5_plan",
    "ops": "6_ops",
    "alerts": "7_alerts",
    "published": "8_published",
}
NOT_CONFIGURED = "0_not_configured"  # sources that this deployment has not
