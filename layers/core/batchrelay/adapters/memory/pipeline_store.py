"""Pipeline versions in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from batchrelay.codec import pipeline_text
from batchrelay.domain.errors import PipelineNotFound, RunConflict
from batchrelay.domain.pipeline import Pipeline, check_pipeline_name
from batchrelay.ports import Registered


@dataclass
class MemoryPipelineStore:
    """Pipeline versions in a dictionary."""

    pipelines: dict[tuple[str, int], Pipeline] = field(default_factory=dict)
    entries: dict[str, Registered] = field(default_factory=dict)

    def put_pipeline(self, pipeline: Pipeline) -> None:
        key = (pipeline.name, pipeline.version)
        if key in self.pipelines:
            raise RunConflict(f"pipeline {pipeline.name} has a version {pipeline.version}")
        pipeline_text(pipeline)  # refuses what does not fit into an item
        self.pipelines[key] = pipeline

    def get_pipeline(self, name: str, version: int) -> Pipeline:
        check_pipeline_name(name)
        if (name, version) not in self.pipelines:
            raise PipelineNotFound(f"pipeline {name} has no version {version}")
        return self.pipelines[name, version]

    def register(self, pipeline: Pipeline, at: datetime) -> int:
        latest = max((v for name, v in self.pipelines if name == pipeline.name), default=0)
        if pipeline.name in self.entries:
            known = self.pipelines[pipeline.name, self.entries[pipeline.name].version]
            if known.content == pipeline.content:
                return known.version
        version = latest + 1
        self.put_pipeline(replace(pipeline, version=version))
        self.entries[pipeline.name] = Registered(name=pipeline.name, version=version, at=at)
        return version

    def registered(self) -> Iterator[Registered]:
        return (self.entries[name] for name in sorted(self.entries))

    def registered_version(self, name: str) -> int:
        check_pipeline_name(name)
        if name not in self.entries:
            raise PipelineNotFound(f"there is no pipeline {name}")
        return self.entries[name].version

    def unregister(self, name: str) -> None:
        self.registered_version(name)
        del self.entries[name]
