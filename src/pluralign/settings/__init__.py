"""Settings: from a TOML file to checked objects; the registry of sources, methods and audits."""

from pluralign.settings.align import AlignSettings
from pluralign.settings.align_task import AlignTaskSettings
from pluralign.settings.audit import (
    AuditSettings,
    audit_origins,
    explain_audit,
    resolve_audit,
)
from pluralign.settings.experiment import (
    Settings,
)
from pluralign.settings.explained import Explained
from pluralign.settings.knowledge import KnowledgeSettings
from pluralign.settings.planted_model import (
    SMALL,
    PlantedModelSettings,
)
from pluralign.settings.pluralise import (
    ComparisonSettings,
    PluraliseSettings,
)
from pluralign.settings.registry import (
    AUDITS,
    METHODS,
    SOURCES,
    audit_named,
    method_named,
    names,
    source_named,
)
from pluralign.settings.resolved_align import (
    ALIGN_STAGES,
    ResolvedAlign,
    explain_align,
    resolve_align,
)
from pluralign.settings.resolved_align_task import (
    TASK_STAGES,
    ResolvedAlignTask,
    explain_align_task,
    resolve_align_task,
)
from pluralign.settings.resolved_experiment import (
    Resolved,
    explain,
    resolve,
)
from pluralign.settings.resolved_knowledge import (
    ResolvedKnowledge,
    explain_knowledge,
    knowledge_source,
    resolve_knowledge,
)
from pluralign.settings.resolved_pluralise import (
    STAGES,
    ResolvedPluralise,
    explain_pluralise,
    resolve_pluralise,
)
from pluralign.settings.resolved_survey import (
    ResolvedSurvey,
    explain_survey,
    place_paths,
    resolve_survey,
    survey_source,
)
from pluralign.settings.survey import (
    AskingSettings,
    EvaluateSettings,
    ModelSettings,
    SamplingSettings,
    SurveySettings,
)
from pluralign.settings.validation import (
    built,
    read_settings,
)

__all__ = [
    "ALIGN_STAGES",
    "AUDITS",
    "METHODS",
    "SMALL",
    "SOURCES",
    "STAGES",
    "TASK_STAGES",
    "AlignSettings",
    "AlignTaskSettings",
    "AskingSettings",
    "AuditSettings",
    "ComparisonSettings",
    "EvaluateSettings",
    "Explained",
    "KnowledgeSettings",
    "ModelSettings",
    "PlantedModelSettings",
    "PluraliseSettings",
    "Resolved",
    "ResolvedAlign",
    "ResolvedAlignTask",
    "ResolvedKnowledge",
    "ResolvedPluralise",
    "ResolvedSurvey",
    "SamplingSettings",
    "Settings",
    "SurveySettings",
    "audit_named",
    "audit_origins",
    "built",
    "explain",
    "explain_align",
    "explain_align_task",
    "explain_audit",
    "explain_knowledge",
    "explain_pluralise",
    "explain_survey",
    "knowledge_source",
    "method_named",
    "names",
    "place_paths",
    "read_settings",
    "resolve",
    "resolve_align",
    "resolve_align_task",
    "resolve_audit",
    "resolve_knowledge",
    "resolve_pluralise",
    "resolve_survey",
    "source_named",
    "survey_source",
]
