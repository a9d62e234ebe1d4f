import { render } from "preact"; render(<p>flow</p>, document.getElementById("page") as HTMLElement);
