package manage

import (
	"context"
	"io"
	"net/http"
)

// Stream asks for what the API tells while it happens. The caller closes it.
func (c Client) Stream(ctx context.Context, path string) (io.ReadCloser, error) {
	answer, err := c.Do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode == http.StatusOK {
		return answer.Body, nil
	}
	defer answer.Body.Close() //nolint:errcheck // it was only read
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return nil, c.unreachable(err)
	}
	return nil, c.refused(answer, body)
}
