"""Words of CBV 2.0 and UN/ECE that events may use, and the JSON Schema of the events we read.

The schema is our own and covers the part of EPCIS 2.0 that is understood here; it lets every word
pass as a business step, as GS1's does, so that words are checked against the lists.
"""

from __future__ import annotations

from typing import Any

_STEPS = """accepting arriving assembling collecting commissioning consigning
    creating_class_instance cycle_counting decommissioning departing destroying
    disassembling dispensing encoding
    entering_exiting holding inspecting installing killing loading other packing picking
    receiving removing repackaging repairing replacing reserving retail_selling sampling
    sensor_reporting shipping staging_outbound stock_taking stocking storing transporting
    unloading unpacking void_shipping"""
_DISPOSITIONS = """active available completeness_inferred completeness_verified conformant
    container_closed container_open damaged destroyed dispensed disposed encoded expired
    in_progress in_transit inactive mismatch_class mismatch_instance mismatch_quantity
    needs_replacement no_pedigree_match non_conformant non_sellable_other
    partially_dispensed recalled reserved retail_sold returned sellable_accessible
    sellable_not_accessible stolen unavailable unknown"""
_PAPERS = "bol cert desadv inv pedigree po poc prodorder recadv rma testprd testres upevt"
_UNITS = "KGM GRM TNE LTR MLT HLT MTQ CMT MTR H87 EA C62 LBR ONZ"
PIECES = frozenset({"H87", "EA", "C62"})  # units that say the same as none
STEPS, DISPOSITIONS, PAPERS, UNITS = (
    frozenset(each.split()) for each in (_STEPS, _DISPOSITIONS, _PAPERS, _UNITS)
)
REASONS = ("did_not_occur", "incorrect_data")

_ID = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}
_IDS = {"type": "array", "items": {"type": "string", "minLength": 1}}
_QUANTITIES = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["epcClass"],
        "properties": {
            "epcClass": {"type": "string", "minLength": 1},
            "quantity": {"type": "number"},
            "uom": {"type": "string"},
        },
        "additionalProperties": False,
    },
}
_WHERE_TO = {"type": "array", "items": {"type": "object", "required": ["type"]}}
EVENT: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["type", "eventTime", "eventTimeZoneOffset"],
    "properties": {
        "type": {
            "enum": [
                "ObjectEvent", "AggregationEvent", "TransactionEvent", "TransformationEvent",
                "AssociationEvent",
            ]
        },
        "eventTime": {"type": "string"},
        "eventTimeZoneOffset": {"type": "string", "pattern": r"^[+-](0[0-9]|1[0-4]):[0-5][0-9]$"},
        "recordTime": {"type": "string"},
        "eventID": {"type": "string", "minLength": 1},
        "action": {"enum": ["ADD", "OBSERVE", "DELETE"]},
        "bizStep": {"type": "string"},
        "disposition": {"type": "string"},
        "readPoint": _ID,
        "bizLocation": _ID,
        "epcList": _IDS,
        "quantityList": _QUANTITIES,
        "parentID": {"type": "string"},
        "childEPCs": _IDS,
        "childQuantityList": _QUANTITIES,
        "inputEPCList": _IDS,
        "inputQuantityList": _QUANTITIES,
        "outputEPCList": _IDS,
        "outputQuantityList": _QUANTITIES,
        "transformationID": {"type": "string"},
        "bizTransactionList": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["bizTransaction"],
                "properties": {"type": {"type": "string"}, "bizTransaction": {"type": "string"}},
            },
        },
        "sourceList": _WHERE_TO,
        "destinationList": _WHERE_TO,
        "sensorElementList": {"type": "array", "items": {"type": "object"}},
        "ilmd": {"type": "object"},
        "persistentDisposition": {"type": "object"},
        "errorDeclaration": {
            "type": "object",
            "required": ["declarationTime"],
            "properties": {
                "declarationTime": {"type": "string"},
                "reason": {"type": "string"},
                "correctiveEventIDs": _IDS,
            },
        },
        "certificationInfo": {},
    },
    "allOf": [
        {
            "if": {"properties": {"type": {"enum": ["ObjectEvent", "AggregationEvent",
                                                    "TransactionEvent", "AssociationEvent"]}}},
            "then": {"required": ["action"]},
        },
        {
            "if": {"properties": {"type": {"const": "TransformationEvent"}}},
            "then": {"not": {"required": ["action"]}},
        },
        {
            "if": {"properties": {"type": {"const": "ObjectEvent"}}},
            "then": {"anyOf": [{"required": ["epcList"]}, {"required": ["quantityList"]}]},
        },
    ],
    # fields of the standard end here; those of partners have a prefix
    "patternProperties": {"^[A-Za-z0-9_.-]+:": {}},
    "additionalProperties": False,
}  # fmt: skip
EVENT["properties"]["@context"] = {}
