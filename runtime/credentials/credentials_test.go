package credentials

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/flowrun/flowrun/runtime/setting"
)

func TestAuth(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	token := &Token{TokenFile: setting.Path(path)}
	for _, test := range []struct {
		auth  Auth
		file  string
		want  string
		field string // that an error is about
	}{
		{&Basic{User: "u", Password: setting.SecretOf("p:q")}, "", "Basic dTpwOnE=", ""},
		{&Basic{User: "u:", Password: setting.SecretOf("p")}, "", "", "user"},
		{&Basic{Password: setting.SecretOf("p")}, "", "", "user"},
		{&Basic{User: "u", Password: setting.SecretOf("p"), Credentials: setting.SecretOf("u:p")}, "", "", ""},
		{&Basic{}, "", "", ""},
		{&Basic{Credentials: setting.SecretOf("u:p:q")}, "", "Basic dTpwOnE=", ""},
		{&Basic{Credentials: setting.SecretOf("u")}, "", "", "credentials"},
		{&Basic{Credentials: setting.SecretOf("u:p\r\nx: y")}, "", "", "credentials"},
		{&Basic{CredentialsFile: setting.Path(path)}, "u:p:q\r\n# another\n", "Basic dTpwOnE=", ""},
		{&Basic{CredentialsFile: setting.Path(path)}, "u\n", "", "credentials_file"},
		{&Basic{CredentialsFile: setting.Path(path + "x")}, "", "", "credentials_file"},
		{&Token{Token: setting.SecretOf("t")}, "", "Bearer t", ""},
		{&Token{Token: setting.SecretOf("t\r\nx: y")}, "", "", "token"},
		{&Token{}, "", "", ""},
		{&Token{Token: setting.SecretOf("t"), TokenFile: "f"}, "", "", ""},
		{token, "one\n", "Bearer one", ""},
		{token, "two", "Bearer two", ""}, // it is read each time
		{token, "a\nb", "", "token_file"},
		{token, "\n", "", "token_file"},
		{&Token{TokenFile: setting.Path(path + "x")}, "", "", "token_file"},
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
		if fe := (*setting.Error)(nil); errors.As(err, &fe) && fe.Field != test.field {
			t.Errorf("%+v: the error is about %q", test.auth, fe.Field)
		}
	}
}
