class BifrostWebSocket {
  private ws: WebSocket | null = null;
  private reconnectAttempts = 0;
  private maxReconnectAttempts = 5;
  private reconnectDelay = 1000;
  constructor(
    private url: string,
    private token: string,
    private handlers: {
      onBackendHealth?: (data: { name: string; healthy: boolean }) => void;
      onConnectionNew?: (data: ConnectionEvent) => void;
      onConnectionClose?: (data: ConnectionEvent) => void;
      onStatsUpdate?: (data: StatsEvent) => void;
      onConfigReload?: (data: ConfigEvent) => void;
    }
  ) {}
  connect(): void {
    const wsUrl = `${this.url}?token=${this.token}`;
    this.ws = new WebSocket(wsUrl);
    this.ws.onopen = () => {
      console.log('Connected to Bifrost WebSocket');
      this.reconnectAttempts = 0;
      this.startHeartbeat();
    };
    this.ws.onmessage = (event) => {
      if (event.data === 'pong') return;
      const message = JSON.parse(event.data);
      this.handleMessage(message);
    };
    this.ws.onclose = () => {
      console.log('WebSocket disconnected');
      this.scheduleReconnect();
    };
    this.ws.onerror = (error) => {
      console.error('WebSocket error:', error);
    };
  }
  private handleMessage(message: { type: string; data: any }): void {
    switch (message.type) {
      case 'backend.health':
      this.handlers.onBackendHealth?.(message.data);
      break;
      case 'connection.new':
      this.handlers.onConnectionNew?.(message.data);
      break;
      case 'connection.close':
      this.handlers.onConnectionClose?.(message.data);
      break;
      case 'stats.update':
      this.handlers.onStatsUpdate?.(message.data);
      break;
      case 'config.reload':
      case 'config.saved':
      this.handlers.onConfigReload?.(message.data);
      break;
    }
  }
  private startHeartbeat(): void {
    setInterval(() => {
      if (this.ws?.readyState === WebSocket.OPEN) {
        this.ws.send('ping');
      }
    }, 30000);
  }
  private scheduleReconnect(): void {
    if (this.reconnectAttempts >= this.maxReconnectAttempts) {
      console.error('Max reconnection attempts reached');
      return;
    }
    const delay = this.reconnectDelay * Math.pow(2, this.reconnectAttempts);
    this.reconnectAttempts++;
    setTimeout(() => this.connect(), delay);
  }
  disconnect(): void {
    this.ws?.close();
  }
}
// Usage
const bifrost = new BifrostWebSocket(
  'ws://localhost:7082/api/v1/ws',
  'your-api-token',
  {
    onBackendHealth: (data) => {
      console.log(`Backend ${data.name} is ${data.healthy ? 'healthy' : 'unhealthy'}`);
    },
    onConnectionNew: (data) => {
      console.log(`New connection: ${data.host} via ${data.backend}`);
    },
    onStatsUpdate: (data) => {
      console.log(`Active connections: ${data.active_connections}`);
    },
  }
);
bifrost.connect();
