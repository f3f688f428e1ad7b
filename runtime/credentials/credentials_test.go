package credentials

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
)

func TestAuth(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	token := &Token{TokenFile: flow.Path(path)}
	for _, test := range []struct {
		auth  Auth
		file  string
		want  string
		field string // that an error is about
	}{
		{&Basic{"u", flow.SecretOf("p:q")}, "", "Basic dTpwOnE=", ""},
		{&Basic{"u:", flow.SecretOf("p")}, "", "", "user"},
		{&Token{Token: flow.SecretOf("t")}, "", "Bearer t", ""},
		{&Token{Token: flow.SecretOf("t\r\nx: y")}, "", "", "token"},
		{&Token{}, "", "", ""},
		{&Token{Token: flow.SecretOf("t"), TokenFile: "f"}, "", "", ""},
		{token, "one\n", "Bearer one", ""},
		{token, "two", "Bearer two", ""}, // it is read each time
		{token, "a\nb", "", "token_file"},
		{token, "\n", "", "token_file"},
		{&Token{TokenFile: flow.Path(path + "x")}, "", "", "token_file"},
	} {
		if test.file != "" {
			if err := os.WriteFile(path, []byte(test.file), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got, err := test.auth.authorization()
		if got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%+v, %q: %q, %v", test.auth, test.file, got, err)
		}
		if fe := (*flow.FieldError)(nil); errors.As(err, &fe) && fe.Field != test.field {
			t.Errorf("%+v: the error is about %q", test.auth, fe.Field)
		}
	}
}
