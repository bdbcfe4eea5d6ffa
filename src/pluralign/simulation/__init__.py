"""Simulated communities whose truth is known: an oracle for methods and audits."""

from pluralign.simulation.bank import TRAITS
from pluralign.simulation.feature_tastes import FeatureTaste, plant_taste
from pluralign.simulation.knowledge import PlantedKnowledge, plant_knowledge
from pluralign.simulation.knowledge_respondent import SimulatedKnowledge
from pluralign.simulation.oracle import PlantedReward
from pluralign.simulation.people import PlantedBias, PlantedTaste, Raters, SimulatedCommunity
from pluralign.simulation.probes import Probe, recovered_taste, taste_correlation
from pluralign.simulation.respondent import SimulatedRespondent
from pluralign.simulation.society import Society
from pluralign.simulation.source import SocietySource, SocietySurvey, default_society
from pluralign.simulation.texts import read_traits

__all__ = [
    "TRAITS",
    "FeatureTaste",
    "PlantedBias",
    "PlantedKnowledge",
    "PlantedReward",
    "PlantedTaste",
    "Probe",
    "Raters",
    "SimulatedCommunity",
    "SimulatedKnowledge",
    "SimulatedRespondent",
    "Society",
    "SocietySource",
    "SocietySurvey",
    "default_society",
    "plant_knowledge",
    "plant_taste",
    "read_traits",
    "recovered_taste",
    "taste_correlation",
]
