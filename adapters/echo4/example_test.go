package sesameecho4_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/labstack/echo/v4"

	"github.com/sesame-go/sesame"
	sesameecho4 "github.com/sesame-go/sesame/adapters/echo4"
)

type Session struct {
	Times int `sesame:"sum"`
}

// A page that counts visits.
func Example() {
	sessions := sesame.New[Session]()

	e := echo.New()
	e.Use(sesameecho4.Sessions(sessions))
	e.GET("/", func(c echo.Context) error {
		s := sessions.Get(c.Request().Context())
		s.Times++
		return c.String(http.StatusOK, fmt.Sprintf("%d times!\n", s.Times))
	})

	request := httptest.NewRequest("GET", "/", nil)
	for range 2 { // as a browser that keeps its cookie
		response := httptest.NewRecorder()
		e.ServeHTTP(response, request)
		fmt.Print(response.Body)
		for _, cookie := range response.Result().Cookies() {
			request.AddCookie(cookie)
		}
	}
	// Output:
	// 1 times!
	// 2 times!
}
