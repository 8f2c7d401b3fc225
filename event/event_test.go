package event_test

import (
	"errors"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/event"
)

var all = []event.Event{
	event.Retried{}, event.BudgetExhausted{}, event.BreakerChanged{}, event.FellBack{}, event.Panicked{}, event.Overrun{},
	event.InstancesChanged{}, event.Ejected{}, event.EjectionRefused{}, event.Returned{}, event.FactoryFailed{}, event.PanicMode{},
	event.NodeChanged{}, event.RegistryUnreachable{}, event.RegistryFailed{}, event.RegistrationRepaired{}, event.ListHeld{}, event.ListRecovering{}, event.DiskFailed{},
}

func TestEveryEventHasANameOfItsOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range all {
		if e.Name() == "" || seen[e.Name()] || strings.ToLower(e.Name()) != e.Name() {
			t.Errorf("%T is named %q", e, e.Name())
		}
		seen[e.Name()] = true
	}
}

func TestEveryFieldOfAnEventIsAnAttribute(t *testing.T) {
	for _, e := range all {
		v := reflect.New(reflect.TypeOf(e)).Elem()
		for i := range v.NumField() {
			if v.Field(i).Type() == reflect.TypeFor[error]() {
				v.Field(i).Set(reflect.ValueOf(errors.New("boom")))
			}
		}
		filled := v.Interface().(event.Event)
		if got, want := len(filled.Attrs()), v.NumField(); got != want {
			t.Errorf("%T has %d fields and %d attributes: %v", e, want, got, filled.Attrs())
		}
	}
}

func TestLevelsFollowTheDirectionOfAChange(t *testing.T) {
	for _, tt := range []struct {
		bad, good event.Event
	}{
		{event.BreakerChanged{To: "open"}, event.BreakerChanged{To: "closed"}},
		{event.NodeChanged{}, event.NodeChanged{Up: true}},
		{event.PanicMode{On: true}, event.PanicMode{}},
	} {
		if tt.bad.Level() != slog.LevelWarn || tt.good.Level() != slog.LevelInfo {
			t.Errorf("%T: %v when it turns bad, %v when it turns good", tt.bad, tt.bad.Level(), tt.good.Level())
		}
	}
}

func TestObserversPassEventsOnInOrder(t *testing.T) {
	var heard []string
	hear := func(who string) event.Observer {
		return event.ObserverFunc(func(e event.Event) { heard = append(heard, who+" "+e.Name()) })
	}
	o := event.Observers(hear("a"), nil, event.Discard{}, hear("b"))
	o.Observe(event.Returned{})
	if want := []string{"a instance.returned", "b instance.returned"}; !slices.Equal(heard, want) {
		t.Errorf("heard %v, want %v", heard, want)
	}
}
