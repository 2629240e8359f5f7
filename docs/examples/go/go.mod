module example.com/token-broker-device-flow

go 1.23.0

require golang.org/x/oauth2 v0.30.0
