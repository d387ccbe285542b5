"""`PERSISTENCE_MODULE=infrastructure.log.factory_memory`: the library on our log in memory."""

from infrastructure.log.factory import LogFactory
from infrastructure.log.library_port import PlainLog
from infrastructure.log.memory_plain import PlainMemoryLog
from infrastructure.log.recorders import LogTrackingRecorder


class MemoryFactory(LogFactory[LogTrackingRecorder]):
    """Each factory has a log of its own, gone with the process."""

    def open_log(self) -> PlainLog:
        return PlainMemoryLog()
