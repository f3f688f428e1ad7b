import asyncio
import websockets
import json

class BifrostWebSocket:
    def __init__(self, url: str, token: str):
        self.url = f"{url}?token={token}"
        self.ws = None

    async def connect(self):
        async with websockets.connect(self.url) as ws:
            self.ws = ws

            # Start heartbeat task
            heartbeat_task = asyncio.create_task(self._heartbeat())

            try:
                async for message in ws:
                    if message == "pong":
                        continue
                    await self._handle_message(json.loads(message))
            finally:
                heartbeat_task.cancel()

    async def _heartbeat(self):
        while True:
            await asyncio.sleep(30)
            if self.ws:
                await self.ws.send("ping")

    async def _handle_message(self, message: dict):
        event_type = message.get("type")
        data = message.get("data", {})

        if event_type == "backend.health":
            print(f"Backend {data['name']}: {'healthy' if data['healthy'] else 'unhealthy'}")
        elif event_type == "connection.new":
            print(f"New connection: {data['host']} via {data['backend']}")
        elif event_type == "stats.update":
            print(f"Active connections: {data['active_connections']}")

# Usage
async def main():
    client = BifrostWebSocket("ws://localhost:7082/api/v1/ws", "your-token")
    await client.connect()

asyncio.run(main())
