// A program without a browser: its user signs in once, and every later run refreshes.
//
//	npm start                            in one terminal
//	cd docs/examples/go && go run .      in another; run it again to see it refresh
//
// ISSUER and CLIENT_ID point it at another broker. The refresh token is kept in ~/.token-broker-example-go, or TOKEN_FILE.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/oauth2"
)

var (
	issuer    = env("ISSUER", "http://127.0.0.1:8787/demo")
	tokenFile = env("TOKEN_FILE", filepath.Join(os.Getenv("HOME"), ".token-broker-example-go"))
)

var broker = &oauth2.Config{
	ClientID: env("CLIENT_ID", "nightly"),
	Scopes:   []string{"openid", "profile", "offline_access"},
	Endpoint: oauth2.Endpoint{
		DeviceAuthURL: issuer + "/oauth/device_authorization",
		TokenURL:      issuer + "/oauth/token",
		// A public client names itself in the body. Without this the library may send a request twice to find out.
		AuthStyle: oauth2.AuthStyleInParams,
	},
}

func main() {
	log.SetFlags(0)
	// The client has graceSeconds 60, so a refresh whose answer is lost may be repeated within that time.
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, &http.Client{Timeout: 8 * time.Second})
	token, err := refresh(ctx)
	if err == nil && token == nil {
		token, err = signIn(ctx)
	}
	if err != nil {
		log.Fatal(err)
	}
	// While the program runs, the source refreshes before expiry, and stores the refresh token before the access token is used.
	client := oauth2.NewClient(ctx, oauth2.ReuseTokenSource(token, storing{ctx}))
	answer, err := client.Get(issuer + "/oauth/userinfo")
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	var person struct{ Sub, Name string }
	if err := json.NewDecoder(answer.Body).Decode(&person); err != nil {
		log.Fatal(err)
	}
	left := time.Until(token.Expiry).Round(time.Second)
	fmt.Printf("Signed in as %s (%s); the access token is good for %s.\n", person.Name, person.Sub, left)
}

func signIn(ctx context.Context) (*oauth2.Token, error) {
	started, err := broker.DeviceAuth(ctx)
	if err != nil {
		return nil, err
	}
	fmt.Printf("Open %s\nand check that the page shows %s.\n", started.VerificationURIComplete, started.UserCode)
	token, err := broker.DeviceAccessToken(ctx, started)
	if err != nil {
		return nil, err
	}
	return token, store(token.RefreshToken)
}

// refresh returns no token if there is no session, or if it has ended.
func refresh(ctx context.Context) (*oauth2.Token, error) {
	if _, err := os.Stat(tokenFile); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	token, err := storing{ctx}.Token()
	// Only this answer means that the session is over. After any other error the token is kept.
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.ErrorCode == "invalid_grant" {
		return nil, os.Remove(tokenFile)
	}
	return token, err
}

// storing refreshes with the token in the file, and stores its successor before it returns anything.
type storing struct{ ctx context.Context }

func (s storing) Token() (*oauth2.Token, error) {
	refreshToken, err := os.ReadFile(tokenFile)
	if err != nil {
		return nil, err
	}
	var token *oauth2.Token
	for try := 1; try <= 3; try++ {
		token, err = broker.TokenSource(s.ctx, &oauth2.Token{RefreshToken: string(refreshToken)}).Token()
		var refused *oauth2.RetrieveError
		if err == nil || (errors.As(err, &refused) && refused.Response.StatusCode < 500) {
			break
		}
		time.Sleep(time.Duration(try) * time.Second)
	}
	if err != nil {
		return nil, err
	}
	return token, store(token.RefreshToken)
}

// store replaces the file as a whole, readable by its owner alone.
func store(refreshToken string) error {
	draft, err := os.OpenFile(tokenFile+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer draft.Close()
	if _, err := draft.WriteString(refreshToken); err != nil {
		return err
	}
	if err := draft.Sync(); err != nil {
		return err
	}
	return os.Rename(draft.Name(), tokenFile)
}

func env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
