"""A country's lines to its thousands of topics: not by `publish`, whose library sends a request for each partition."""

import asyncio
import time
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer

from services.cli.evaluate import HEADERS
from services.cli.settle import wait_until_settled
from services.cli.system import System
from shared.events.decoding import route
from tests.chaos.load import Line, Load

ON_THE_WAY = 5_000


def made_ready(system: System, lines: Sequence[Line]) -> None:
    """Every topic is there and has its leader."""
    Load(system, lines, 1).prepare()
    wait_until_settled(system)


async def pour(system: System, lines: Sequence[Line], rate: float | None = None) -> None:
    """So many lines a second, or as fast as the broker takes them; each has arrived at the end."""
    async with AIOKafkaProducer(
        bootstrap_servers=list(system.kafka), acks="all", enable_idempotence=True, linger_ms=20
    ) as producer:
        await producer.client.set_topics({route(text)[0] for _, _, text in lines})  # or it asks for each anew
        flights, began = set[asyncio.Future[object]](), time.monotonic()
        for number, (_, _, text) in enumerate(lines, 1):
            if rate and (early := began + number / rate - time.monotonic()) > 0:
                await asyncio.sleep(early)
            topic, key = route(text)
            flights.add(await producer.send(topic, text, key=key, headers=list(HEADERS)))
            if len(flights) >= ON_THE_WAY:
                done, flights = await asyncio.wait(flights, return_when=asyncio.FIRST_COMPLETED)
                for flight in done:
                    flight.result()
        await asyncio.gather(*flights)
